// What a bundler takes. The second row counts the peers, which are most of what a user ships.
/** @type {(config: import("esbuild").BuildOptions) => import("esbuild").BuildOptions} */
const withPeers = (config) => ({ ...config, external: [] })

// oxlint-disable-next-line import/no-default-export -- what size-limit reads
export default [
  {
    name: "import { Webhook }, without its peers",
    path: "dist/index.js",
    import: "{ Webhook }",
    gzip: true,
    limit: "46 kB",
  },
  {
    name: "send over fetch, with its peers",
    import: {
      "dist/index.js": "{ RateLimiter, RestConfig, Strategy, Webhook }",
      "node_modules/@effect/platform/dist/esm/FetchHttpClient.js": "{ layer }",
      "node_modules/effect/dist/esm/Effect.js": "{ gen, provide, runPromise }",
    },
    path: [
      "dist/index.js",
      "node_modules/@effect/platform/dist/esm/FetchHttpClient.js",
      "node_modules/effect/dist/esm/Effect.js",
    ],
    gzip: true,
    limit: "151.5 kB",
    modifyEsbuildConfig: withPeers,
  },
  {
    name: "everything, without its peers",
    path: "dist/index.js",
    import: "*",
    gzip: true,
    limit: "131 kB",
  },
]
