// How @hey-api/openapi-ts makes a client of openapi.yaml. scripts/generate-client sets both paths.
export default {
  input: process.env.DESCRIPTION,
  logs: { file: false },
  output: {
    path: process.env.OUTPUT,
    // Node resolves the modules of a package only with their extension.
    module: { extension: '.js' },
  },
  plugins: [
    { name: '@hey-api/client-fetch', includeInEntry: true },
    '@hey-api/typescript',
    '@hey-api/sdk',
  ],
};
