/** undici alone: no limit, no check, no retry. What a request costs at least. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Agent, request } from "undici"
import { inFibers } from "./inFibers.js"
import { inLanes, message, type Peer, type Setup, type Target } from "./peer.js"

/** Connections stay open from one measurement to the next, as those of the other peers do. */
const dispatcher = new Agent()
const runtime = ManagedRuntime.make(Layer.empty)
const headers = { "content-type": "application/json", "user-agent": "DiscordBot (bench, 1)" }

const post =
  (baseUrl: string) =>
  async ({ id, token }: Target): Promise<unknown> => {
    const url = `${baseUrl}/webhooks/${id}/${token}?wait=true`
    const body = JSON.stringify(message)
    const answer = await request(url, { method: "POST", headers, body, dispatcher })
    return answer.body.json()
  }

const nothingKept: Pick<Peer, "tracked" | "close"> = {
  tracked: () => 0,
  close: () => Promise.resolve(),
}

export function rawUndici({ baseUrl }: Setup): Peer {
  const send = post(baseUrl)
  return { ...nothingKept, send: (lanes, took) => inLanes(lanes, took, send) }
}

/** The same in fibers: what of our own figures is Effect's. */
export function rawUndiciInFibers({ baseUrl }: Setup): Peer {
  const send = post(baseUrl)
  const one = (target: Target) => Effect.promise(() => send(target))
  return { ...nothingKept, send: (lanes, took) => inFibers(runtime, lanes, took, one) }
}
