// Whether this browser draws WebGL with a graphics card.

let known: boolean | null = null

/** Browsers hide a software renderer from `failIfMajorPerformanceCaveat`; its name tells. */
export function hardwareGraphics(): boolean {
  known ??= look()
  return known
}

function look(): boolean {
  const context = document.createElement('canvas').getContext('webgl2')
  if (context === null) return false
  const details = context.getExtension('WEBGL_debug_renderer_info')
  const name = details === null ? '' : String(context.getParameter(details.UNMASKED_RENDERER_WEBGL))
  context.getExtension('WEBGL_lose_context')?.loseContext()
  return name !== '' && !/swiftshader|llvmpipe|software|basic render/i.test(name)
}
