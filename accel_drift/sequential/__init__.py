"""Looking at every batch: evidence that grows from look to look, under a promise that holds however often one looks."""
