/** Builds the layers of a configuration. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "../ratelimit/RateLimiter.js"
import * as Strategy from "../ratelimit/Strategy.js"
import * as DryRun from "../rest/DryRun.js"
import { isDiscordHost } from "../rest/request.js"
import * as RestConfig from "../rest/RestConfig.js"
import * as UploadLimits from "../rest/UploadLimits.js"
import * as Logging from "./Logging.js"
import type { Settings as Config } from "./schema.js"

const strategies: Readonly<
  Record<Config["client"]["rateLimit"]["strategy"], Layer.Layer<Strategy.Strategy>>
> = {
  adaptive: Strategy.layerAdaptive,
  proactive: Strategy.layerProactive,
  reactive: Strategy.layerReactive,
}

/** Counts no slots: requests wait only for the global limit and after a 429. */
const layerGlobalOnly: Layer.Layer<Strategy.Strategy> = Strategy.layer({
  name: "global",
  initial: undefined,
  shouldWait: () => false,
  calculateWait: () => Duration.zero,
  observe: (memory) => memory,
})

export const makeLayer = ({
  client,
  logging,
}: Config): Layer.Layer<
  HttpClient.HttpClient | RateLimiter.RateLimiter | Strategy.Strategy,
  never,
  HttpClient.HttpClient
> =>
  Layer.mergeAll(
    layerHttpClient(client),
    // The Schema is stricter than the limiter.
    Layer.orDie(RateLimiter.layerWith({ globalLimit: client.rateLimit.globalLimit })),
    client.rateLimit.perRouteLimit ? strategies[client.rateLimit.strategy] : layerGlobalOnly,
    RestConfig.layerWith(restOptions(client)),
  ).pipe(
    // Not merged: fiber refs set by layers that are built in parallel outlive their scope.
    Layer.provideMerge(Logging.layer(logging)),
    // First, with the program's own loggers: the file that sets the host may also turn logging off.
    Layer.provideMerge(layerHostWarning(client)),
  )

/** The configuration decides which host receives the tokens, so another host is logged. */
function layerHostWarning({ baseUrl, dryRun }: Config["client"]): Layer.Layer<never> {
  const { host, hostname } = new URL(baseUrl)
  if (dryRun || isDiscordHost(hostname)) return Layer.empty
  return Layer.effectDiscard(
    Effect.logWarning(
      `Webhook requests, whose URLs hold the tokens, go to ${host} and not to Discord, because of client.base_url`,
    ),
  )
}

function layerHttpClient(
  client: Config["client"],
): Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient> {
  return client.dryRun ? DryRun.layer : Layer.service(HttpClient.HttpClient)
}

function restOptions(client: Config["client"]): Partial<RestConfig.RestOptions> {
  const { rateLimit, retry } = client
  return {
    baseUrl: client.baseUrl,
    userAgent: client.userAgent,
    timeout: client.timeout,
    connectionTimeout: client.connectionTimeout,
    maxRetries: retry.maxRetries,
    retry: retry.onAmbiguous === "resend" ? "atLeastOnce" : "safe",
    backoffBase: rateLimit.backoffBase,
    backoffMax: rateLimit.backoffMax,
    delivery: rateLimit.delivery,
    maxWait: rateLimit.maxWait,
    uploads: uploadLimits(client.uploads),
  }
}

function uploadLimits(uploads: Config["client"]["uploads"]): UploadLimits.UploadLimits {
  const preset = UploadLimits.presets[uploads.preset]
  return {
    maxFiles: uploads.maxFiles ?? preset.maxFiles,
    maxFileBytes: uploads.maxFileSize ?? preset.maxFileBytes,
    maxTotalBytes: uploads.maxTotalSize ?? preset.maxTotalBytes,
  }
}
