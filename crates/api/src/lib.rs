//! The Cartwright server: HTTP, cache, workflows and payment providers.
