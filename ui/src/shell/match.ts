// How well a text fits what was typed: every typed word must occur; beginnings of words count most.

/** 0 for no match, more for better ones. */
export function fit(text: string, typed: string): number {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const lower = text.toLowerCase()
  let score = 1
  for (const word of words) {
    const at = lower.indexOf(word)
    if (at < 0) return 0
    const startsWord = at === 0 || /[\s/._-]/.test(lower.charAt(at - 1))
    score += (startsWord ? 10 : 1) + (at === 0 ? 5 : 0)
  }
  return score
}
