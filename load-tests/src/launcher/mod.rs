//! The program `vitrine`: the shop with all it needs, from one command.
