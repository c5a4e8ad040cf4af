// A random id that also works where `crypto.randomUUID` does not: pages served over plain HTTP.

export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
