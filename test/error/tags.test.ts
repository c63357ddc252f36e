/** A program catches errors by tag, next to those of Effect, its platform and its own. */
import { describe, expect, expectTypeOf, it } from "@effect/vitest"
// oxlint-disable-next-line no-restricted-imports -- every module of it
import * as platform from "@effect/platform"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
// oxlint-disable-next-line no-restricted-imports -- every module of it
import * as effect from "effect"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as discord from "../../src/index.js"
import type { ConfigurationError, WebhookError } from "../../src/index.js"
import * as node from "../../src/node/index.js"
import * as testing from "../../src/testing/index.js"

interface ErrorClass {
  /** Under which name the class is exported. */
  readonly name: string
  readonly tag: string
}

const ours = [discord, node, testing].flatMap(errorClasses)
/** With the names of all exports: an error of an `HttpApi` is no class of `Error`. */
const others = [effect, platform].flatMap((entryPoint) => [
  ...errorClasses(entryPoint).map(({ tag }) => tag),
  ...Object.values(entryPoint).flatMap((module) => Object.keys(module)),
])

describe("the tags of errors", () => {
  it("every exported error class has one, with the prefix Webhook or Discord", () => {
    expect(ours).toHaveLength(22)
    for (const { tag } of ours) expect(tag).toMatch(/^(?:Webhook|Discord)[A-Z]/)
    expect(new Set(ours.map(({ tag }) => tag)).size).toBe(ours.length)
  })

  it("each is the name of its class", () => {
    for (const { name, tag } of ours) expect(tag).toBe(name)
  })

  it("Effect and its platform have none with these prefixes", () => {
    expect(others).toEqual(expect.arrayContaining(["RequestError", "SystemError", "Unauthorized"]))
    expect(others.filter((tag) => /^(?:Webhook|Discord)/.test(tag))).toEqual([])
  })
})

describe("an endpoint of an HttpApi that declares an error", () => {
  const api = HttpApi.make("api").add(
    HttpApiGroup.make("alerts").add(
      HttpApiEndpoint.post("raise", "/alerts").addError(HttpApiError.Unauthorized),
    ),
  )

  it("does not take ours for its own", () => {
    const handled = (error: HttpApiError.Unauthorized) =>
      HttpApiBuilder.group(api, "alerts", (handlers) =>
        handlers.handle("raise", () => Effect.fail(error)),
      )
    const unhandled = (error: WebhookError.WebhookUnauthorized) =>
      HttpApiBuilder.group(api, "alerts", (handlers) =>
        // @ts-expect-error -- its caller would get a 500
        // @effect-diagnostics-next-line missingEffectError:off
        handlers.handle("raise", () => Effect.fail(error)),
      )
    expect([handled, unhandled]).toHaveLength(2)
    expectTypeOf<Ours["_tag"] & DeclaredTag>().toBeNever()
  })
})

type Ours =
  | WebhookError.WebhookError
  | WebhookError.WebhookInvalidUrl
  | WebhookError.DiscordInvalidOption
  | ConfigurationError.DiscordConfigurationError

type DeclaredTag = {
  [Name in keyof typeof HttpApiError]: (typeof HttpApiError)[Name] extends new (...args: never) => {
    readonly _tag: infer Tag
  }
    ? Tag
    : never
}[keyof typeof HttpApiError]

/** Those of all modules that an entry point exports. */
function errorClasses(entryPoint: Readonly<Record<string, object>>): ReadonlyArray<ErrorClass> {
  return Object.values(entryPoint).flatMap((module) =>
    Object.entries(module).flatMap(([name, value]: [string, unknown]) => {
      const tag = tagOf(value)
      return tag === undefined ? [] : [{ name, tag }]
    }),
  )
}

/** `Data.TaggedError` and `Schema.TaggedError` name the prototype after the tag. */
function tagOf(value: unknown): string | undefined {
  if (!Predicate.isFunction(value)) return undefined
  const prototype: unknown = Reflect.get(value, "prototype")
  if (!(prototype instanceof Error)) return undefined
  const tag: unknown = Reflect.get(value, "_tag") ?? prototype.name
  return typeof tag === "string" ? tag : undefined
}
