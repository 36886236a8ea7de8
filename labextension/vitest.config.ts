// The front end's tests run in Node with a DOM: no browser and no server.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
});
