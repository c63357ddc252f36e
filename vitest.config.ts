import { defineConfig } from "vitest/config"

const core = { statements: 95, branches: 95 }

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: process.env["CI"]
      ? ["default", ["json", { outputFile: "test-results.json" }]]
      : ["default"],
    coverage: {
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
