"""What each analysis found, in a sentence and pictures: a module each, named like the analysis."""
