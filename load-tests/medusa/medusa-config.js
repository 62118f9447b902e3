// Medusa as its documentation says to deploy it: Redis for events, workflows and locks; no dashboard, no log of requests.
// CACHING=on adds its caching flag with the cache in Redis.
const { defineConfig } = require("@medusajs/framework/utils")

const { DATABASE_URL, REDIS_URL, JWT_SECRET, COOKIE_SECRET, CACHING } = process.env
const caching = {
  resolve: "@medusajs/medusa/caching",
  options: {
    providers: [
      { resolve: "@medusajs/caching-redis", id: "caching-redis", is_default: true, options: { redisUrl: REDIS_URL } },
    ],
  },
}

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: DATABASE_URL,
    databaseDriverOptions: { ssl: false, sslmode: "disable" },
    redisUrl: REDIS_URL,
    http: {
      storeCors: "http://localhost:8000",
      adminCors: "http://localhost:9000",
      authCors: "http://localhost:8000,http://localhost:9000",
      jwtSecret: JWT_SECRET,
      cookieSecret: COOKIE_SECRET,
    },
  },
  admin: { disable: true },
  featureFlags: { caching: CACHING === "on" },
  modules: [
    { resolve: "@medusajs/medusa/event-bus-redis", options: { redisUrl: REDIS_URL } },
    { resolve: "@medusajs/medusa/workflow-engine-redis", options: { redis: { redisUrl: REDIS_URL } } },
    {
      resolve: "@medusajs/medusa/locking",
      options: {
        providers: [
          { resolve: "@medusajs/medusa/locking-redis", id: "locking-redis", is_default: true, options: { redisUrl: REDIS_URL } },
        ],
      },
    },
    ...(CACHING === "on" ? [caching] : []),
  ],
})
