// Sets the colour scheme before the first paint, and again whenever the choice or the system changes.
;(() => {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const apply = () => {
    let choice = null
    try {
      choice = localStorage.getItem('hearth.theme')
    } catch {
      // Storage can be forbidden; then the system decides.
    }
    const dark = choice === 'dark' || (choice !== 'light' && system.matches)
    document.documentElement.classList.toggle('dark', dark)
  }
  apply()
  system.addEventListener('change', apply)
  addEventListener('storage', apply)
  addEventListener('hearth:theme', apply)
})()
