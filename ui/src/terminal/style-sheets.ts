// Style sheets for xterm.js that are not mark-up.
//
// xterm writes its colours into `<style>` elements, which our content security policy forbids
// (`style-src 'self'`). Constructed style sheets are script, and are allowed. xterm makes its elements
// when it opens and when its renderer changes, so only then `<style>` means something else. (Its option
// `documentOverride` would be the proper place, but 6.0 does not use it everywhere.)

/** Runs `act`, in which every `<style>` the page makes is backed by a constructed style sheet. */
export function withConstructedSheets(act: () => void): void {
  const original = document.createElement
  document.createElement = ((name: string) =>
    name === 'style' ? standIn(original.call(document, 'span')) : original.call(document, name)) as typeof original
  try {
    act()
  } finally {
    document.createElement = original
  }
}

/** Makes an element that shows nothing, and whose text is a style sheet of the page. */
function standIn(element: HTMLElement): HTMLElement {
  element.hidden = true
  const sheet = new CSSStyleSheet()
  document.adoptedStyleSheets.push(sheet)
  let text = ''
  const content = {
    get: () => text,
    set: (value: string) => {
      text = value
      sheet.replaceSync(value)
    },
  }
  const remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((adopted) => adopted !== sheet)
    Element.prototype.remove.call(element)
  }
  return Object.defineProperties(element, { textContent: content, innerText: content, remove: { value: remove } })
}
