// Algorithms of SSH keys, for people.

const NAMES: Record<string, string> = { ed25519: 'Ed25519', 'ecdsa-p256': 'ECDSA P-256', 'rsa-4096': 'RSA, 4096 bits' }

export const ALGORITHMS = Object.keys(NAMES)

export function algorithmName(algorithm: string): string {
  return NAMES[algorithm] ?? algorithm
}
