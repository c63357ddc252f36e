import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import { RunningTests } from "./test/support/RunningTests.js"
import { SlowFirst } from "./test/support/SlowFirst.js"

const core = { statements: 95, branches: 95 }

const workers = availableParallelism() + 2

export default defineConfig({
  test: {
    projects: [
      // What `npm test` runs.
      {
        extends: true,
        test: { name: "tests", include: ["test/**/*.test.ts"], exclude: ["test/bench/**"] },
      },
      // Long simulations, and measurements of heap and processor time: `npm run test:bench`.
      { extends: true, test: { name: "bench", include: ["test/bench/**/*.test.ts"] } },
    ],
    // Files share a worker and its modules: to load Effect and `src` for each file takes longer than
    // most tests. So a test restores what it changes of the process.
    isolate: false,
    setupFiles: "test/support/eachFile.ts",
    // A busy machine must not look like a bug. A run that hangs is ended by whoever started it, as
    // `.ci/run` does, and then names the tests that were running.
    testTimeout: 0,
    hookTimeout: 0,
    poolOptions: {
      forks: {
        execArgv: [
          // Garbage collection was a fifth of the processor time of the scenarios.
          "--max-semi-space-size=64",
          "--import",
          new URL("test/support/patientRpc.mjs", import.meta.url).href,
        ],
      },
    },
    // A worker waits for timers, sockets and child processes about half of its time. All of them start
    // and stay: when tinypool stops one of several idle workers, it ends the run, with exit code 0.
    maxWorkers: workers,
    minWorkers: workers,
    sequence: { sequencer: SlowFirst },
    reporters: ["default", ...(process.env["CI"] ? ["json"] : []), new RunningTests()],
    outputFile: { json: "test-results.json" },
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
