//! Text as data and as what networks generate: lines of files, tokens, language models.
