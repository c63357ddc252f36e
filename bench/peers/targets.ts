/** Webhooks that no server needs to know, with ids and tokens as long as Discord's. */
import { randomBytes } from "node:crypto"
import type { Target } from "./peer.js"

export function targetsOf(count: number): Array<Target> {
  return Array.from({ length: count }, (_, index) => ({
    id: String(1_100_000_000_000_000_000n + BigInt(index)),
    token: randomBytes(51).toString("base64url"),
  }))
}
