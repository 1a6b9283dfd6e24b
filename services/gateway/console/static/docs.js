"use strict";
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  tagsSorter: "alpha",
  validatorUrl: null,
});
