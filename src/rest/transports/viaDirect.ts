/** An attempt by a client's own way. It takes no fiber, since a call is enough to give it up. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { headOf } from "../attempt.js"
import type { Flight, Restore } from "../attempt.js"
import { pathOf } from "../request.js"
import type { Empty, Json, RestRequest } from "../request.js"
import type { Base, Settings } from "../resolvedConfig.js"
import { defectOf } from "../sanitize.js"
import { watch } from "../timeouts.js"
import type { AnyFiber, Watch } from "../timeouts.js"
import { classifyCause, deliveredBy, noConnection, timedOut } from "../transportErrors.js"
import type { TransportFailure } from "../transportErrors.js"
import type { Direct, Listener, Outgoing } from "./direct.js"

type Resume = (end: Effect.Effect<void>) => void

/** Notes in the flight what it hears, until it is over. */
class Ride implements Listener {
  readonly #request: RestRequest<unknown>
  readonly #settings: Settings
  readonly #flight: Flight
  readonly #caller: AnyFiber
  readonly #resume: Resume
  #watching: Watch | undefined = undefined
  #abort: (() => void) | undefined = undefined
  #isOver = false

  constructor(
    request: RestRequest<unknown>,
    settings: Settings,
    flight: Flight,
    caller: AnyFiber,
    resume: Resume,
  ) {
    this.#request = request
    this.#settings = settings
    this.#flight = flight
    this.#caller = caller
    this.#resume = resume
  }

  begin(direct: Direct, request: Outgoing): void {
    try {
      this.#abort = direct(request, this)
    } catch (error) {
      this.#end()
      this.#resume(Effect.die(defectOf(error, this.#request.token)))
      return
    }
    // With a connection at hand the request has started by now, and needs one time limit only.
    if (!this.#isOver && !this.#flight.begun) {
      this.#limit(this.#settings.connectionTimeout, noConnection)
    }
  }

  onStart(): void {
    if (this.#isOver || this.#flight.begun) return
    this.#flight.begun = true
    this.#watching?.end()
    this.#limit(this.#settings.timeout, timedOut)
  }

  giveUp(): void {
    if (this.#isOver) return
    this.#end()
    this.#abort?.()
  }

  onHead(status: number, headers: Readonly<Record<string, string | undefined>>): void {
    if (!this.#isOver) this.#flight.answer = headOf(status, headers, this.#request.token)
  }

  onWhole(body: string): void {
    const { answer } = this.#flight
    if (this.#isOver || answer === undefined) return
    this.#flight.answer = { ...answer, body }
    this.#end()
    this.#resume(Effect.void)
  }

  onBroken(cause: unknown): void {
    if (this.#isOver) return
    this.#flight.failure = deliveredBy(classifyCause(cause), this.#flight.begun)
    this.#end()
    this.#resume(Effect.void)
  }

  #limit(time: Duration.Duration, failure: TransportFailure): void {
    this.#watching = watch(this.#caller, time, () => {
      this.#flight.failure = failure
      this.giveUp()
      this.#resume(Effect.void)
    })
  }

  #end(): void {
    this.#isOver = true
    this.#watching?.end()
  }
}

export function viaDirect(
  direct: Direct,
  base: Base,
  request: RestRequest<unknown>,
  body: Empty | Json,
  settings: Settings,
  restore: Restore,
  flight: Flight,
): Effect.Effect<void> {
  return Effect.withFiberRuntime((caller) =>
    restore(
      Effect.async<void>((resume) => {
        const ride = new Ride(request, settings, flight, caller, resume)
        // A canceller of the effect itself would be a seventh of what a request in flight holds.
        flight.giveUp = () => ride.giveUp()
        ride.begin(direct, outgoing(base, request, body, settings))
      }),
    ),
  )
}

function outgoing(
  { origin, path }: Base,
  request: RestRequest<unknown>,
  body: Empty | Json,
  settings: Settings,
): Outgoing {
  const headers: Record<string, string> = { ...settings.headers, ...request.headers }
  if (body._tag === "Json") headers["content-type"] = "application/json"
  return {
    method: request.route.method,
    origin,
    path: path + pathOf(request),
    headers,
    body: body._tag === "Json" ? body.text : null,
  }
}
