"""Many runs of one problem side by side: which rate, which start?"""
