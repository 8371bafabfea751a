"""The provider switch of one mentorado, in the place of the pane."""
