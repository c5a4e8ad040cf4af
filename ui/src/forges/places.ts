// Where the pages of forges are: the platform's below /admin, a team's below the team.

export interface Places {
  list: string
  fresh: string
  forge: (id: string, step?: string) => string
}

/** `team` is a team's name in addresses. */
export function placesOf(team: string | undefined): Places {
  const list = team === undefined ? '/admin/forges' : `/t/${team}/forges`
  return {
    list,
    fresh: `${list}/new`,
    forge: (id, step) => `${list}/${id}${step === undefined ? '' : `?step=${step}`}`,
  }
}
