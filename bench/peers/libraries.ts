/** The measured libraries by the names in the tables; each is loaded only by its own process. */
import type { Peer, Setup } from "./peer.js"

/** The names that the parts of the benchmark use. */
export const names = {
  undici: "undici",
  undiciInFibers: "undici, in fibers",
  fetch: "fetch",
  discordjs: "@discordjs/rest",
  discordjsOffset0: "@discordjs/rest, offset 0",
  dfx: "dfx",
  reactive: "effect-discord, reactive",
  proactive: "effect-discord, proactive",
  adaptive: "effect-discord, adaptive",
  adaptiveFetch: "effect-discord, FetchHttpClient",
} as const

export type Name = (typeof names)[keyof typeof names]

export const open: Readonly<Record<Name, (setup: Setup) => Promise<Peer>>> = {
  undici: async (setup) => (await import("./rawUndici.js")).rawUndici(setup),
  "undici, in fibers": async (setup) => (await import("./rawUndici.js")).rawUndiciInFibers(setup),
  fetch: async (setup) => (await import("./rawFetch.js")).rawFetch(setup),
  "@discordjs/rest": async (setup) => (await import("./discordjs.js")).discordjs(setup),
  "@discordjs/rest, offset 0": async (setup) =>
    (await import("./discordjs.js")).discordjs(setup, 0),
  dfx: async (setup) => (await import("./dfx.js")).dfx(setup),
  "effect-discord, reactive": async (setup) => (await import("./ours.js")).ours(setup, "reactive"),
  "effect-discord, proactive": async (setup) =>
    (await import("./ours.js")).ours(setup, "proactive"),
  "effect-discord, adaptive": async (setup) => (await import("./ours.js")).ours(setup, "adaptive"),
  "effect-discord, FetchHttpClient": async (setup) =>
    (await import("./ours.js")).ours(setup, "adaptive", "fetch"),
}
