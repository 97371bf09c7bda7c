"""A soak (F24): one long trial of the whole system, at whose end nothing may be broken, and nothing have grown."""
