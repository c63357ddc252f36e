import { defineConfig } from "vitest/config"
import { factor } from "./test/support/laws.js"

const core = { statements: 95, branches: 95 }

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/breathe.ts", "test/support/chance.ts"],
    // A busy machine must not look like a bug; nothing waits for this long, laws compute.
    testTimeout: 120_000 * Math.max(1, factor),
    // By default one core is left idle, which is half of a small machine.
    maxWorkers: "100%",
    minWorkers: 1,
    reporters: process.env["CI"]
      ? ["default", ["json", { outputFile: "test-results.json" }]]
      : ["default"],
    coverage: {
      // So that .ci/run proves tests and thresholds with one run of the README's own command.
      enabled: Boolean(process.env["CI"]),
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text", "json-summary"],
      thresholds: {
        statements: 90,
        branches: 90,
        "src/ratelimit/**": core,
        "src/rest/**": core,
        "src/webhook/**": core,
      },
    },
  },
})
