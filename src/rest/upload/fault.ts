/** Why a file cannot be read. What its source failed with is looked at and dropped: it is not ours to show. */
import * as Predicate from "effect/Predicate"
import { WebhookFileError } from "../../error/WebhookError.js"
import type { ErrorFields } from "../../ratelimit/errorFields.js"

export function faultOf(
  place: Partial<ErrorFields> & { readonly file: string },
  failure: unknown,
): WebhookFileError {
  const detail = wordFor(failure)
  return detail === "NotFound"
    ? new WebhookFileError({ ...place, reason: "missing", delivered: "no" })
    : new WebhookFileError({
        ...place,
        reason: "unreadable",
        ...(detail === undefined ? {} : { detail }),
        delivered: "no",
      })
}

/** A platform's error has a reason, an error of Effect a tag, any other a name. */
function wordFor(failure: unknown): string | undefined {
  if (!Predicate.isObject(failure)) return undefined
  const words = ["reason", "_tag", "name"].map((key): unknown => Reflect.get(failure, key))
  return words.find((word): word is string => typeof word === "string" && /^\w{1,40}$/.test(word))
}
