/**
 * Lets the examples run anywhere: with real Discord when `DISCORD_WEBHOOK_URL` is set, otherwise with a
 * simulated one behind an HTTP server on this machine. Other programs need only `NodeDiscord.layer`.
 */
import { createServer } from "node:http"
import { styleText } from "node:util"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RateLimiter, RestConfig, Strategy } from "effect-discord"
import { NodeDiscord } from "effect-discord/node"
import { DiscordSimulator } from "effect-discord/testing"

const isLive = process.env["DISCORD_WEBHOOK_URL"] !== undefined

/** Provides variables as if they were set in the environment. */
const variables = (all: Readonly<Record<string, string>>): Layer.Layer<never> =>
  Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(all))))

/** Provides `DISCORD_WEBHOOK_URL` for `Webhook.config`. */
export const webhookUrl = (url: string): Layer.Layer<never> =>
  variables({ DISCORD_WEBHOOK_URL: url })

/** A simulated Discord with one webhook, served on a free port. */
const simulatorServer = (options: DiscordSimulator.WebhookOptions) =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.make()
      const { url } = yield* simulator.createWebhook(options)
      const { baseUrl } = yield* simulator.serve
      return Layer.merge(
        variables({ DISCORD_WEBHOOK_URL: url, DISCORD_CLIENT_BASE_URL: baseUrl }),
        RestConfig.layerWith({ baseUrl }),
      )
    }),
  ).pipe(Layer.provide(NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })))

const announcement = Console.log(
  isLive
    ? "Real Discord, through DISCORD_WEBHOOK_URL."
    : "A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.",
)

/** For a second process of an example: the API's address from the environment. */
export const restFromEnvironment = Layer.unwrapEffect(
  Effect.map(
    Config.withDefault(Config.string("DISCORD_CLIENT_BASE_URL"), "https://discord.com/api/v10"),
    (baseUrl) => RestConfig.layerWith({ baseUrl }),
  ),
)

/** All services of an example; the simulated Discord has a webhook with these options. */
export const discordWith = (options: DiscordSimulator.WebhookOptions) =>
  Layer.mergeAll(
    NodeDiscord.layerHttpClient,
    RateLimiter.layer,
    Strategy.layerAdaptive,
    isLive ? Layer.empty : simulatorServer(options),
    Layer.effectDiscard(announcement),
  )

/** The same, with a webhook of a text channel. */
export const discord = discordWith({})

/** Prints every request and its status, without the URL, which contains the token. */
export const printTraffic = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.tap((response) => Console.log(line(response))),
  ),
)

export const dim = (text: string): string => (process.stdout.isTTY ? styleText("dim", text) : text)

function line(response: HttpClientResponse.HttpClientResponse): string {
  const { method } = response.request
  const { "x-ratelimit-remaining": remaining, "x-ratelimit-limit": limit } = response.headers
  const left = limit === undefined ? "" : `   ${remaining} of ${limit} left`
  return dim(`  ${method.padEnd(6)} ${template(response.request)} -> ${response.status}${left}`)
}

/** The path with placeholders for ids and the token. */
function template(request: HttpClientRequest.HttpClientRequest): string {
  return new URL(request.url).pathname
    .replace(/^.*\/webhooks\/\d+\/[^/]+/, "/webhooks/{webhook.id}/{webhook.token}")
    .replace(/\/messages\/\d+$/, "/messages/{message.id}")
}
