"""Classification: labelled texts, an encoder that is run once, a recurrent head, baselines."""
