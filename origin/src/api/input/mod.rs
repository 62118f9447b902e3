//! Bodies, read field by field as Medusa's validators do, with its texts for what is wrong (`@medusajs/framework`
//! `zod/zod-helpers.js`). What a body may hold can be described by the same code, for OpenAPI: [`object::describe`].

pub(in crate::api) mod address;
pub(in crate::api) mod columns;
pub(in crate::api) mod field;
pub(in crate::api) mod issues;
pub(in crate::api) mod object;
