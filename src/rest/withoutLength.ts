/**
 * `fetch` computes Content-Length itself. `FetchHttpClient` before platform 0.97 passes the header
 * of the request as well, and Node's `fetch` fails on the pair ("invalid content-length header") as
 * soon as a recent undici is loaded, which `@effect/platform-node` does.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Context from "effect/Context"
import * as Option from "effect/Option"

type Fetch = typeof globalThis.fetch

/** Adds a `fetch` that drops the header to the context, around the one that is there. */
export function withoutLength<R>(
  context: Context.Context<R>,
): Context.Context<R | FetchHttpClient.Fetch> {
  const given = Option.getOrUndefined(Context.getOption(context, FetchHttpClient.Fetch))
  const stripping: Fetch = (input, init) => {
    // FetchHttpClient's own default, looked up as late as it does.
    // oxlint-disable-next-line no-restricted-globals
    const original = given ?? globalThis.fetch
    return original(input, init && hasLength(init) ? stripped(init) : init)
  }
  return Context.add(context, FetchHttpClient.Fetch, stripping)
}

function hasLength({ headers }: RequestInit): boolean {
  return typeof headers === "object" && "content-length" in headers
}

function stripped(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers)
  headers.delete("content-length")
  return { ...init, headers }
}
