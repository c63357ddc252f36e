/** How an attempt ended, and what the limiter is to know of it. */
import { Graveyard } from "../ratelimit/internal/graveyard.js"
import * as Permit from "../ratelimit/Permit.js"
import type { Flight } from "./flight.js"
import { interpret } from "./interpret.js"
import type { Interpretation, RawAnswer } from "./interpret.js"
import type { RestRequest } from "./restRequest.js"
import type { Settings } from "./settings.js"
import { broken, notBegun } from "./transport.js"
import type { TransportFailure } from "./transport.js"

export type Ending<A> =
  | {
      readonly _tag: "Answered"
      readonly outcome: Permit.Outcome
      readonly raw: RawAnswer
      readonly said: Interpretation<A>
      /** Why the body is missing, where it is. */
      readonly failure: TransportFailure
      readonly spent: string | undefined
    }
  | {
      readonly _tag: "Unanswered"
      readonly outcome: Permit.Outcome
      readonly failure: TransportFailure
      /** The file that cannot be read a second time. */
      readonly spent: string | undefined
    }

/** Also right in the middle of a flight: an interrupted attempt may have its answer's head. */
export function endingOf<A>(
  request: RestRequest<A>,
  flight: Flight,
  settings: Settings,
): Ending<A> {
  const { answer: raw, begun, failure = begun ? broken : notBegun } = flight
  const spent = request.body._tag === "Upload" ? request.body.spent() : undefined
  if (raw === undefined) {
    const outcome = failure.delivered === "no" ? Permit.neverSent : Permit.unknown
    return { _tag: "Unanswered", outcome, failure, spent }
  }
  const said = interpret(request, raw, settings)
  const { meaning } = said
  // The limiter must not learn from what is not Discord's.
  if (meaning._tag === "Foreign") {
    return { _tag: "Answered", outcome: Permit.unknown, raw, said, failure, spent }
  }
  const outcome = Permit.answered({
    status: raw.status,
    headers: raw.headers,
    code: said.code,
    reply: said.reply,
    limited: meaning._tag === "Limited" ? meaning.limited : undefined,
    deleted: meaning._tag === "Done" && !raw.isDryRun && deletesWebhook(request),
  })
  return { _tag: "Answered", outcome, raw, said, failure, spent }
}

/** Its success means the same as the code by which Discord says that there is nothing to delete. */
function deletesWebhook({ absent, route }: RestRequest<unknown>): boolean {
  return absent !== undefined && Graveyard.isDeath(absent, route.kind)
}
