// The token of an invitation's link. It comes in the fragment, which browsers never send, and must not get
// into an address that is sent: it waits in this tab while its holder signs in.

const KEY = 'hearth.invitation'

/** The fragment's token, else the one that waits. */
export function invitationToken(hash: string): string | null {
  const given = hash.replace(/^#/, '')
  try {
    if (given !== '') sessionStorage.setItem(KEY, given)
    return given !== '' ? given : sessionStorage.getItem(KEY)
  } catch {
    return given === '' ? null : given
  }
}

export function forgetInvitation(): void {
  try {
    sessionStorage.removeItem(KEY)
  } catch {
    // Where nothing can be kept, nothing was.
  }
}
