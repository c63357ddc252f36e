/** undici alone: no limit, no check, no retry. The minimum cost of a request. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Agent, request } from "undici"
import { inFibers } from "./inFibers.js"
import { inLanes, message, type Peer, type Setup, type Target } from "./peer.js"

/** Connections stay open from one measurement to the next, as those of the other libraries do. */
const dispatcher = new Agent()
const runtime = ManagedRuntime.make(Layer.empty)
const headers = { "content-type": "application/json", "user-agent": "DiscordBot (bench, 1)" }

const post =
  ({ baseUrl, wait = true }: Setup) =>
  async ({ id, token }: Target): Promise<unknown> => {
    const url = `${baseUrl}/webhooks/${id}/${token}?wait=${wait}`
    const body = JSON.stringify(message)
    const response = await request(url, { method: "POST", headers, body, dispatcher })
    return wait ? response.body.json() : response.body.dump()
  }

const stateless: Pick<Peer, "tracked" | "close"> = {
  tracked: () => 0,
  close: () => Promise.resolve(),
}

export function rawUndici(setup: Setup): Peer {
  const send = post(setup)
  return { ...stateless, send: (lanes, took) => inLanes(lanes, took, send) }
}

/** The same in fibers: the share of Effect in our figures. */
export function rawUndiciInFibers(setup: Setup): Peer {
  const send = post(setup)
  const one = (target: Target) => Effect.promise(() => send(target))
  return { ...stateless, send: (lanes, took) => inFibers(runtime, lanes, took, one) }
}
