/** One attempt: a request goes out, and an answer, a part of one, or nothing comes back. */
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Effect from "effect/Effect"
import { directOf } from "./direct.js"
import type { Flight, Restore } from "./flight.js"
import type { RestRequest } from "./restRequest.js"
import type { Settings } from "./settings.js"
import { viaClient } from "./viaClient.js"
import { viaDirect } from "./viaDirect.js"

/**
 * Never fails: what happened is in the flight. Interruption, possible where `restore` makes it so,
 * aborts the connection.
 */
export function attempt(
  client: HttpClient.HttpClient,
  request: RestRequest<unknown>,
  settings: Settings,
  restore: Restore,
  flight: Flight,
): Effect.Effect<void> {
  const { body } = request
  const direct = directOf(client)
  return direct === undefined || settings.base === undefined || body._tag === "Upload"
    ? viaClient(client, request, settings, restore, flight)
    : viaDirect(direct, settings.base, request, body, settings, restore, flight)
}
