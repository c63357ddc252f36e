/** Some clients allow the dot; interaction tokens are much longer, so there is no upper bound. */
const form = /^[A-Za-z0-9_.-]+$/

/** What stands at the token's place in a path that lacks it, or walks out of it. */
const noToken = /^(?:slack|github|\.+)$/

/** Whether a text may be a webhook's token; it becomes a part of the URL. */
export function isToken(text: string): boolean {
  // The regular expression alone takes `undefined` from untyped code for a token of that name.
  return typeof text === "string" && form.test(text) && !noToken.test(text)
}
