/**
 * Whom a message notifies when it does not say. Discord's documented default for webhooks is the
 * users it mentions, but no role and not everyone; there are reports of pings beyond that, and
 * guides that promise them. So what is meant is said, where there is anything to mention.
 */

/** What may notify somebody: mentions count in these texts only (Discord: Allowed Mentions). */
interface Texts {
  readonly type?: number
  readonly content?: string | null | undefined
  readonly components?: ReadonlyArray<Texts> | null | undefined
}

interface Wire extends Texts {
  readonly allowed_mentions?: unknown
}

const usersOnly = { allowed_mentions: { parse: ["users" as const] } }

/** The wire form with `allowed_mentions`, if it may mention somebody and says nothing about it. */
export function withSafeMentions<A extends Wire>(wire: A): A {
  if (wire.allowed_mentions !== undefined && wire.allowed_mentions !== null) return wire
  return mayMention(wire) ? { ...wire, ...usersOnly } : wire
}

function mayMention({ components, content }: Texts): boolean {
  return content?.includes("@") === true || components?.some(mayMention) === true
}
