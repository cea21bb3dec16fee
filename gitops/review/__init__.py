"""What a plan means for people: impact in words, rights before and after, and the plan that would lock itself out."""
