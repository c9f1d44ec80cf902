"""GetUsPPE, March to July 2020: real offers and requests of protective goods, streamed through Tenon."""
