// Not in this build: the page loads swagger-ui-bundle.js.
