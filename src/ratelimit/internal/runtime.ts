/** What the limiter needs to know of the JavaScript runtime. */

/**
 * Whether the runtime isolates the input and output of each request, drops the fibers of a request
 * that ends, and fails when one request continues another: Cloudflare Workers (workerd) and Vercel's
 * Edge runtime on it.
 */
export function isolatesRequests(): boolean {
  const { EdgeRuntime, navigator } = globalThis as {
    readonly EdgeRuntime?: unknown
    readonly navigator?: { readonly userAgent?: string }
  }
  return navigator?.userAgent === "Cloudflare-Workers" || EdgeRuntime !== undefined
}
