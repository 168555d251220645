// What @hey-api/openapi-ts makes of openapi.yaml; scripts/generate-client says from where and to where.
export default {
  input: process.env.DESCRIPTION,
  logs: { file: false },
  output: {
    path: process.env.OUTPUT,
    // Node's own resolution, which a package has to satisfy, wants it.
    module: { extension: '.js' },
  },
  plugins: [
    { name: '@hey-api/client-fetch', includeInEntry: true },
    '@hey-api/typescript',
    '@hey-api/sdk',
  ],
};
