// How the page is built and served while it is being worked on. The build must run under a policy that refuses inline
// scripts and styles, so nothing may be inlined into index.html.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const SERVER = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 400 },
  server: {
    proxy: {
      "/api": { target: SERVER, changeOrigin: true },
      "/health": { target: SERVER, changeOrigin: true },
      "/ready": { target: SERVER, changeOrigin: true },
    },
  },
});
