/**
 * What broke other clients, and what we do: the tests measure `ours` in every way (strategy and
 * delivery; while typing in two of them) and fail when the worst of them is another figure than the
 * one written here.
 *
 * `peers` were run against a loopback server unless an issue is named.
 */
export interface Row {
  readonly scenario: string
  /** What `bound` and `ours` count. */
  readonly unit: string
  readonly bound: number
  readonly ours: number
  readonly peers: string
}

export const rows = {
  headerless429: {
    scenario: "429 without headers for 3 s, one message",
    unit: "requests",
    bound: 2,
    ours: 2,
    peers: "discord.js 150 (its own 50 a second; thousands without), oceanic 1434",
  },
  retryAfterBeyondReset: {
    scenario: "429 with Retry-After 3 s but Reset-After 0.3 s, 5 messages",
    unit: "requests before 3 s",
    bound: 1,
    ours: 1,
    peers: "dfx 46, discordeno 10, oceanic 10",
  },
  global429: {
    scenario: "global 429, 10 webhooks, 100 ms apart",
    unit: "requests",
    bound: 11,
    ours: 11,
    peers: "dfx 20",
  },
  idleWebhooks: {
    scenario: "40 idle webhooks with an equal bucket hash, one message each",
    unit: "ms of waiting",
    bound: 0,
    ours: 0,
    peers: "dfx 14900",
  },
  unknownWebhook: {
    scenario: "20 sends to a webhook that answers 10015",
    unit: "requests",
    bound: 1,
    ours: 1,
    peers: "all five npm peers 20",
  },
  lateAnswer: {
    scenario: "server accepts the message and answers too late",
    unit: "copies",
    bound: 1,
    ours: 1,
    peers: "discord.js 4",
  },
  interruptedWaiter: {
    scenario: "interrupted while waiting: returns at once, the next waiter goes",
    unit: "ms until it has returned",
    bound: 0,
    ours: 0,
    peers: "discord.js 5100, discord.py deadlock",
  },
  noRateLimitHeaders: {
    scenario: "answers carry no rate-limit headers, 40 messages: full speed",
    unit: "ms of waiting",
    bound: 0,
    ours: 0,
    peers: "discordeno 1 message per second",
  },
  badGatewayForEver: {
    scenario: "502 for ever, one read and one send: bounded",
    unit: "requests",
    bound: 5,
    ours: 5,
    peers: "oceanic unbounded",
  },
  connectionReset: {
    scenario: "connection reset: the call settles",
    unit: "ms until it has",
    bound: 0,
    ours: 0,
    peers: "oceanic hangs",
  },
  hashAtZero: {
    scenario: "bucket hash learned while remaining is 0: the next request waits",
    unit: "429 responses",
    bound: 0,
    ours: 0,
    peers: "discord.js sends",
  },
  sweepUnderWaiter: {
    scenario: "sweep of idle webhooks while someone waits for 10 minutes",
    unit: "messages lost",
    bound: 0,
    ours: 0,
    peers: "disgo#161",
  },
  unansweredSlots: {
    scenario: "3 attempts without answer take the rest of the slots: they expire",
    unit: "ms until the next goes, after the last gave up",
    bound: 2000,
    ours: 1000,
    peers: "discordeno#5274 waits for ever",
  },
  fractionalDelays: {
    scenario: "Reset-After 1.5 s and Retry-After 1.25 s: not rounded",
    unit: "ms late",
    bound: 10,
    ours: 0,
    peers: "disgo, twilight, JDA read integers",
  },
  unknownMessage: {
    scenario: "404 with 10008 (unknown message) does not kill the webhook",
    unit: "messages lost",
    bound: 0,
    ours: 0,
    peers: "nirn",
  },
  oddAdvisoryHeader: {
    scenario: "a header that does not parse leaves a 2xx a success",
    unit: "errors",
    bound: 0,
    ours: 0,
    peers: "disgo",
  },
  tokenNowhere: {
    scenario: "token in message, cause, JSON, inspect, span and log of any failure",
    unit: "occurrences",
    bound: 0,
    ours: 0,
    peers: "dfx, oceanic, discord-webhook-node, discord.js",
  },
  heapBack: {
    scenario: "5000 webhooks once, then idle: heap back",
    unit: "bytes kept for each webhook (below 100 is noise)",
    bound: 0,
    ours: 0,
    peers: "discord.js 2700, dfx did not finish",
  },
} satisfies Record<string, Row>

export type RowName = keyof typeof rows
