// What a person sees when the server is up: where everything is, and what to do next.

type Facts = { url: string; database: string; modules: string[] };

export const banner = ({ url, database, modules }: Facts): string => `
  Waybill is ready.

    API       ${url}/api/v1
    Docs      ${url}/docs/
    Health    ${url}/health   ${url}/ready   ${url}/metrics
    Database  ${database}
    Modules   ${modules.join(', ')}

  The first staff account:  npm run user:create -- --email you@example.com --role admin
  (or start with ADMIN_EMAIL and ADMIN_PASSWORD in the environment)
  A first order, step by step: README.md

`;
