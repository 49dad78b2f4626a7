"""What the HTML pages share: templates without scripts, one style sheet by its hash, plots."""
