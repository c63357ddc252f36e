/** The named scenarios, on a fixed window and on a leaking bucket where that makes sense. */
import { constant, heavyTailed, jittered, type Scenario } from "./scenario.js"

const models = ["fixed", "leaking"] as const
const visible = { limit: 5, period: 2000 }

const base = {
  webhooks: 1,
  messages: 20,
  delivery: "ordered",
  link: constant(120),
  visible,
} as const satisfies Partial<Scenario>

/** Others ask for half of the slots; how many they get depends on how many we leave. */
const contested = { ...base, messages: 100, foreignPerSecond: 1.25 }

/** Other clients behind the same address leave less of the global limit than is assumed. */
const neighboured = {
  ...base,
  webhooks: 30,
  messages: 50,
  global: 50,
  neighbours: { least: 25, most: 25, interval: 60_000 },
}

/** Each early request adds a window, and headers tell of the time before the request. */
const penalty = {
  ...base,
  messages: 300,
  model: "penalty",
  visible: { limit: 10, period: 5000 },
} as const satisfies Partial<Scenario>

/** Several webhooks of one channel, with messages in these proportions. */
const inOneChannel = (...weights: ReadonlyArray<number>) => ({
  ...base,
  webhooks: weights.length,
  perChannel: weights.length,
  weights,
})

const onBoth = (name: string, scenario: Omit<Scenario, "name" | "model">): Array<Scenario> =>
  models.map((model) => ({ ...scenario, model, name: `${name} | ${model}` }))

export const scenarios: ReadonlyArray<Scenario> = [
  ...onBoth("burst, 1 webhook", base),
  ...onBoth("burst, 10 webhooks", { ...base, webhooks: 10 }),
  ...onBoth("burst, 1000 webhooks", { ...base, webhooks: 1000 }),
  ...onBoth("burst, 10 webhooks, 500 ms link", { ...base, webhooks: 10, link: constant(500) }),
  ...onBoth("burst, 10 webhooks, 500 ms link, concurrent", {
    ...base,
    webhooks: 10,
    link: constant(500),
    delivery: "concurrent",
  }),
  ...onBoth("burst, 10 webhooks, 90-150 ms link", {
    ...base,
    webhooks: 10,
    link: jittered(90, 150),
  }),
  ...onBoth("hidden 30 per 60 s in a window", {
    ...base,
    messages: 600,
    hidden: { limit: 30, period: 60_000, model: "fixed" },
  }),
  ...onBoth("hidden 30 per 60 s, leaking back", {
    ...base,
    messages: 600,
    hidden: { limit: 30, period: 60_000, model: "leaking" },
  }),
  ...onBoth("2 webhooks of one channel, hidden 30 per 60 s in a window", {
    ...inOneChannel(1, 1),
    messages: 300,
    hidden: { limit: 30, period: 60_000, model: "fixed" },
  }),
  ...onBoth("5 webhooks of one channel, unevenly busy, hidden 30 per 60 s in a window", {
    ...inOneChannel(1, 2, 3, 4, 5),
    messages: 40,
    hidden: { limit: 30, period: 60_000, model: "fixed" },
  }),
  ...onBoth("5 webhooks of one channel, unevenly busy, hidden 30 per 60 s, leaking back", {
    ...inOneChannel(1, 2, 3, 4, 5),
    messages: 40,
    hidden: { limit: 30, period: 60_000, model: "leaking" },
  }),
  ...onBoth("server clock 1 min ahead", { ...base, skew: 60_000 }),
  ...onBoth("server clock 1 min behind", { ...base, skew: -60_000 }),
  ...onBoth("global 50 per s, 200 webhooks", { ...base, webhooks: 200, messages: 10, global: 50 }),
  ...onBoth("neighbours take half of global 50 per s, 150 messages", {
    ...neighboured,
    webhooks: 10,
    messages: 15,
    visible: { limit: 5, period: 1000 },
  }),
  ...onBoth("neighbours take half of global 50 per s", neighboured),
  ...onBoth("neighbours take half of global 50 per s, 90-150 ms link", {
    ...neighboured,
    link: jittered(90, 150),
  }),
  ...onBoth("neighbours take 20 to 30 of global 50 per s", {
    ...neighboured,
    neighbours: { least: 20, most: 30, interval: 5000 },
  }),
  ...onBoth("neighbours take 0 to 40 of global 50 per s", {
    ...neighboured,
    neighbours: { least: 0, most: 40, interval: 20_000 },
  }),
  ...onBoth("others take half", contested),
  ...onBoth("others take half, 90-150 ms link", { ...contested, link: jittered(90, 150) }),
  ...onBoth("others take half, 500 ms link", { ...contested, link: constant(500) }),
  ...onBoth("others take half, concurrent", { ...contested, delivery: "concurrent" }),
  ...onBoth("others take half, 90-150 ms link, concurrent", {
    ...contested,
    link: jittered(90, 150),
    delivery: "concurrent",
  }),
  ...onBoth("others take half, 500 ms link, concurrent", {
    ...contested,
    link: constant(500),
    delivery: "concurrent",
  }),
  ...onBoth("limit 5, 3, 10", {
    ...base,
    messages: 100,
    changes: [
      { at: 12_000, limit: 3 },
      { at: 30_000, limit: 10 },
    ],
  }),
  ...onBoth("latency p99 2 s, concurrent", {
    ...base,
    webhooks: 10,
    delivery: "concurrent",
    link: heavyTailed(150, 2000),
  }),
  ...onBoth("shared 429s", {
    ...base,
    messages: 100,
    shared: { perSecond: 0.05, length: 3000 },
  }),
  ...onBoth("2 % faults", { ...base, messages: 100, faults: 0.02 }),
  { ...penalty, name: "early requests add a window | penalty" },
  {
    ...penalty,
    link: jittered(90, 150),
    name: "early requests add a window, 90-150 ms link | penalty",
  },
  { ...penalty, delivery: "concurrent", name: "early requests add a window, concurrent | penalty" },
  ...onBoth("early requests add a window, hidden 10 per 5 s", {
    ...base,
    messages: 300,
    hidden: { limit: 10, period: 5000, model: "penalty" },
  }),
]
