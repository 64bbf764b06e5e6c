// Waybill under PM2: a worker for each core behind one port, replaced one by one by `pm2 reload`. deploy/README.md has the steps.
const path = require('node:path');

module.exports = {
  apps: [
    {
      name: 'waybill',
      // Literal: a symlink (releases behind `current`) is followed at each start, not once.
      cwd: process.env.WAYBILL_HOME ?? path.join(__dirname, '../..'),
      script: 'dist/server.js',
      exec_mode: 'cluster',
      instances: 'max',
      // A new worker has taken over when it says that it is ready, not when it opens the port.
      wait_ready: true,
      listen_timeout: 10_000,
      // Longer than SHUTDOWN_TIMEOUT_MS (25 s): PM2 kills what is left then.
      kill_timeout: 30_000,
      max_memory_restart: '750M',
      // With pauses that grow, and an end: a bad configuration must not start for ever.
      exp_backoff_restart_delay: 100,
      min_uptime: 5000,
      max_restarts: 5,
      merge_logs: true,
      log_date_format: 'YYYY-MM-DDTHH:mm:ss.SSSZ',
      // PM2 is the cluster. Its workers share the port, so nobody has to look away from one that leaves.
      env: { NODE_ENV: 'development', WORKERS: '1', DRAIN_DELAY_MS: '0' },
      env_production: { NODE_ENV: 'production', WORKERS: '1', DRAIN_DELAY_MS: '0' },
    },
  ],
};
