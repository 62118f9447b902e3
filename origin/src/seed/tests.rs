//! Loads into real databases.
